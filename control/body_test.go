package control_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestStatedTooLarge holds that a body which is stated to be too large is refused before any of it is asked for.
func TestStatedTooLarge(t *testing.T) {
	p := applied(t)
	for _, c := range []struct {
		method, path string
		bytes        int
	}{
		{"PUT", "/control/v1/config", 8<<20 + 1},
		{"PUT", "/control/v1/config?dry_run=true", 8<<20 + 1},
		{"PATCH", "/control/v1/config", 1 << 40},
		{"POST", "/control/v1/keys", 1<<20 + 1},
		{"POST", "/control/v1/keys/key_x/revoke", 1<<20 + 1},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		check(t, err)
		_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Type: application/merge-patch+json\r\nContent-Length: %d\r\n\r\n", c.method, c.path, token, c.bytes)
		check(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil) // that of 100 Continue, where there is one
		check(t, err)
		if resp.StatusCode != 413 {
			t.Errorf("%s %s with %d bytes: %d", c.method, c.path, c.bytes, resp.StatusCode)
		}
		check(t, resp.Body.Close())
		check(t, conn.Close())
	}
}
