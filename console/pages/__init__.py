"""The pages of Torwart's host, one file each: a module with a `router` is found by `console.app`."""
