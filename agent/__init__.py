"""The endpoint's process: watches folders and sticks of one machine, and delivers what it saw under a key of its own."""
