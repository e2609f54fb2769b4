"""What reads documents, a module for each kind; reading.py beside it says which reads what."""
