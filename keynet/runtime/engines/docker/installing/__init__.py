"""Install packages for docker's builds, where a RUN of the build cannot do it as well."""
