"""What keynet makes on a host besides images: networks, containers, their labels and limits."""
