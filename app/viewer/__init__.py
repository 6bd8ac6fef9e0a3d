"""A calendar as a page: for people who look at what an agent keeps, by a secret link and without changing anything."""
