"""The door for clients of Huawei Cloud's IAM Identity Center: its operations on a user's login sessions."""
