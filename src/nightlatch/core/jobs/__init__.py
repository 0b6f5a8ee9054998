"""Jobs: acts on more rows than one request can wait for, done in small units by whoever has the lease."""
