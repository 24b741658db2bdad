package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Backup writes a backup of the control plane's store and gives its size in bytes. It takes as long as ctx allows.
func (c *Client) Backup(ctx context.Context, to io.Writer) (int64, error) {
	unbounded := *c.http
	unbounded.Timeout = 0
	resp, err := c.do(ctx, ask{method: http.MethodGet, path: []string{"backup"}}, &unbounded)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(to, resp.Body)
	if err != nil {
		return n, fmt.Errorf("read backup: %w", err)
	}
	return n, nil
}
