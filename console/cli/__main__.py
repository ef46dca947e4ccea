"""`python -m console.cli`: the same as `torwart`, for a machine where it is not on the path."""

from console.cli import main

main()
