"""The way out: a forward proxy that judges what is sent to servers outside, in a process of its own."""
