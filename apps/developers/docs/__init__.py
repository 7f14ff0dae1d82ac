"""What developers read: guides, the reference of the API, snippets."""
