"""What the scripts of the pages ask for, as JSON: a module with a `router` is found by `console.app`."""
