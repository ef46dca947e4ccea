"""What may be done: an `AccessRequest` goes in, a `Decision` comes out. Pure: no clock, no file, no network in `decide`."""
