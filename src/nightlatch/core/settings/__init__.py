"""What people change of themselves once they are signed in."""
