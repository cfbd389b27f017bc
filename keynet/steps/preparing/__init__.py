"""From a request to a plan and a builder for it: what push and build share."""
