"""Reports: what they say (a document), and how it looks as a page, as Markdown and as PDF."""
