"""The courier: messages to people, written with the act that they tell of, and sent after it."""
