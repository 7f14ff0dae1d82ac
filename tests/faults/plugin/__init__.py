"""An app that only fault tests install: an event handler and a job that leave a mark, and can be held."""
