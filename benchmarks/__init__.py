"""`make bench`: Bowerbird side by side with what people use today, on loopback."""
