"""Networks for other runtimes, each file compared with the network it came from."""
