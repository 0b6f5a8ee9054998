"""What happened: who did what to whom, written in the act's own transaction."""
