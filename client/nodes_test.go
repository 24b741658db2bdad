package client_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"fairlead"
	"fairlead/client"
)

// nowhere is an address at which nothing listens.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// TestSeveralNodes holds which node is asked where one fails, and that a write is never sent to two.
func TestSeveralNodes(t *testing.T) {
	for _, c := range []struct {
		name   string
		nodes  string // good, gone, broken (it takes the request and breaks off), refusing (it answers with an error)
		write  bool
		asked  string // the nodes that had the request, by their places
		failed bool
	}{
		{"the first answers", "good good", false, "0", false},
		{"a read goes past one that is gone", "gone good", false, "1", false},
		{"a write too", "gone gone good", true, "2", false},
		{"a read goes past one that breaks off", "broken good", false, "01", false},
		{"a write does not", "broken good", true, "0", true},
		{"an error is an answer", "refusing good", false, "0", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex // a broken connection orders nothing
			asked, addresses := "", []string{}
			for i, kind := range strings.Fields(c.nodes) {
				if kind == "gone" {
					addresses = append(addresses, nowhere(t))
					continue
				}
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					asked += strconv.Itoa(i)
					mu.Unlock()
					switch kind {
					case "broken":
						panic(http.ErrAbortHandler)
					case "refusing":
						w.WriteHeader(http.StatusServiceUnavailable)
					}
					_, _ = w.Write([]byte(`{}`))
				}))
				defer srv.Close()
				addresses = append(addresses, srv.URL)
			}
			api := newClient(t, strings.Join(addresses, ", "))
			var err error
			if c.write {
				_, err = api.SetWeight(t.Context(), "a/b@c", 1, client.Write{})
			} else {
				_, err = api.Config(t.Context())
			}
			mu.Lock()
			defer mu.Unlock()
			if asked != c.asked || (err != nil) != c.failed {
				t.Errorf("nodes %q were asked, %v; want %q", asked, err, c.asked)
			}
		})
	}
}

// TestNoNodeAnswers holds that all addresses are named, and that one wrong address is refused.
func TestNoNodeAnswers(t *testing.T) {
	one, two := nowhere(t), nowhere(t)
	api := newClient(t, one+","+two)
	if _, err := api.SetWeight(t.Context(), "a/b@c", 1, client.Write{}); !errors.Is(err, client.ErrUnreachable) || api.Address() != one+", "+two {
		t.Errorf("got %v of %q", err, api.Address())
	}
	for _, wrong := range []string{one + ",", "," + one, one + ",ftp://x", one + ",http://user:pw@x"} {
		if _, err := client.New(wrong, fairlead.NewSecret(token)); err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
