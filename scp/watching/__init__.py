"""What a monitor asks for, and who is told when something needs a person."""
