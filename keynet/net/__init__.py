"""Network settings of this host: hosts, proxies, trusted certificates, retries."""
