"""Pictures: reading and writing them, fitting them into a net, edges and colours."""
