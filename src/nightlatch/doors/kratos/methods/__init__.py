"""The methods by which people sign in and up, as this dialect has them: a file each, and one table."""
