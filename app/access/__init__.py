"""Who calls, and what they may do: from a request to a principal, and from a principal to a decision."""
