"""`python -m evalgate` is the command `evalgate`."""

from evalgate.cli import main

main()
