"""What `pygent doctor` looks at: each file one thing a factory stands on."""
