package bus

// Connected reports whether the node has its connection now.
func (b *Bus) Connected() bool { return b.conn.IsConnected() }

// ClusterAddress is where the embedded server takes other control nodes.
func (b *Bus) ClusterAddress() string {
	if b.server == nil || b.o.ClusterListen == "" {
		return ""
	}
	return b.server.ClusterAddr().String()
}

// Peers counts the other control nodes that the embedded server is connected to.
func (b *Bus) Peers() int {
	if b.server == nil {
		return 0
	}
	return b.server.NumRoutes()
}
