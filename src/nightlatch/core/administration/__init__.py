"""What an administrator does to people: makes, changes and deletes them, with what that means for their sessions."""
