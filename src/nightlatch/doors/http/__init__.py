"""What every HTTP door stands on: the server and its limits, the JSON gate, metrics and logs. Knows no feature."""
