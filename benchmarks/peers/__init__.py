"""What is measured: one module for each program, each a list of `Peer`."""
