"""Files that list packages and are not used: each is named, with what to do."""
