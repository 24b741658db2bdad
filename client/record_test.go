package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fairlead/client"
)

// TestTail holds what is made of the events of a tail, also of those that a newer control plane may send.
func TestTail(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, ": hello\n\nevent: record\ndata: {\"id\":\"req_1\",\"status\":502,\"attempts\":[{\"endpoint\":\"a/m@p\"}]}\n\nevent: newer\ndata: 5\n\n"+
			"event: notice\ndata: {\"dropped\":3,\"left_out\":4}\n\nevent: record\ndata: {\"id\":\"req_2\"}\n\n")
	}))
	defer srv.Close()
	var got []string
	enough := errors.New("enough")
	err := newClient(t, srv.URL).Tail(t.Context(), client.RecordFilter{}, func(r *client.Record, n *client.Notice) error {
		switch {
		case n != nil:
			got = append(got, fmt.Sprint(*n))
		case r.ID == "req_2":
			return enough
		default:
			got = append(got, fmt.Sprint(r.ID, r.Status, len(r.Attempts)))
		}
		return nil
	})
	if !errors.Is(err, enough) || strings.Join(got, " ") != "req_1502 1 {3 4}" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAllRecords holds that all pages are of the time of the first.
func TestAllRecords(t *testing.T) {
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		next := map[int]string{1: "1_a", 2: "2_b", 3: ""}[len(asked)]
		fmt.Fprintf(w, `{"data":[{"id":"%d"}],"from":"2026-01-02T03:00:00Z","until":"2026-01-02T04:00:00Z","next":%q}`, len(asked), next)
	}))
	defer srv.Close()
	n := 0
	for page, err := range newClient(t, srv.URL).AllRecords(t.Context(), client.RecordFilter{From: time.Unix(0, 0)}, 2) {
		if err != nil || len(page.Data) != 1 {
			t.Fatal(page, err)
		}
		n++
	}
	const rest = "from=2026-01-02T03%3A00%3A00Z&limit=2&until=2026-01-02T04%3A00%3A00Z"
	if want := "from=1970-01-01T00%3A00%3A00Z&limit=2 cursor=1_a&" + rest + " cursor=2_b&" + rest; n != 3 || strings.Join(asked, " ") != want {
		t.Errorf("%d pages, asked %q", n, asked)
	}
}
