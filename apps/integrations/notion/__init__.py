"""Notion: the tables that we keep there, and those that we follow."""
