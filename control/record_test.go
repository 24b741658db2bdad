package control_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/control"
)

// began is when the first exchange of these tests began.
var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func atNoon(o *control.Options) { o.Now = func() time.Time { return began.Add(10 * time.Minute) } }

// record is a record of a node's exchange that began so many seconds after the first.
func record(node string, second int, change func(*fairlead.StoredRecord)) fairlead.StoredRecord {
	at := began.Add(time.Duration(second) * time.Second)
	r := fairlead.StoredRecord{
		ID: fairlead.NewExchangeID(fairlead.TagOf(node), at), At: at.UnixMicro(), Kept: fairlead.KeptSample, Operation: "chat", Dialect: fairlead.OpenAI,
		Model: "fast", Served: "a/m", Endpoint: "a/m@p", Key: "key_1", Revision: 1, Status: 200, Duration: 1000,
		Attempts: []fairlead.StoredAttempt{{Endpoint: "a/m@p", Outcome: fairlead.OutcomeOK, Status: 200, Why: "first"}},
	}
	if change != nil {
		change(&r)
	}
	return r
}

func batch(t testing.TB, node string, rows ...fairlead.StoredRecord) fairlead.RecordBatch {
	t.Helper()
	b := fairlead.RecordBatch{Node: node}
	for i := range rows {
		text, err := json.Marshal(&rows[i])
		check(t, err)
		b.Rows = append(append(b.Rows, text...), '\n')
	}
	return b
}

// keepRecords keeps records of a node.
func (p *plane) keepRecords(t testing.TB, node string, rows ...fairlead.StoredRecord) {
	t.Helper()
	bad, err := p.store.PutRecords(t.Context(), batch(t, node, rows...))
	if err != nil || bad != 0 {
		t.Fatalf("%d rows are bad, %v", bad, err)
	}
}

// mixed are records of two nodes in two regions, every tenth of them a failure.
func mixed(t testing.TB, p *plane, n int) (all []fairlead.StoredRecord) {
	p.fleet.Hear(fairlead.NodeStatus{Name: "edge-1", Role: fairlead.RoleEdge, Region: "eu"})
	p.fleet.Hear(fairlead.NodeStatus{Name: "edge-2", Role: fairlead.RoleEdge, Region: "us"})
	for i := range n {
		node := fmt.Sprintf("edge-%d", 1+i%2)
		r := record(node, i, func(r *fairlead.StoredRecord) {
			r.Stream = i%3 == 0
			if i%8 == 0 {
				r.Trial, r.Shut = "trial_1", []string{"a/m@dead"}
			}
			if i%10 == 9 {
				r.Kept, r.Status, r.Code, r.Endpoint, r.Duration = fairlead.KeptFailure, 502, fairlead.CodeUpstreamFailed, "", 3_000_000
				r.Attempts[0].Endpoint = "a/m@other~b"
			}
		})
		p.keepRecords(t, node, r)
		all = append(all, r)
	}
	return all
}

// TestRecords holds that records are found by what they say, the newest first, page by page, with how many there were.
func TestRecords(t *testing.T) {
	p := newPlane(t, atNoon)
	all := mixed(t, p, 40)
	bad, err := p.store.PutRecords(t.Context(), fairlead.RecordBatch{Node: "edge-1", Seconds: []fairlead.RecordSecond{{Second: began.Unix(), Seen: 100, Kept: 20, LeftOut: 79, Dropped: 1}}})
	if err != nil || bad != 0 {
		t.Fatal(bad, err)
	}
	for query, want := range map[string]int{
		"": 40, "?status=502": 4, "?status=%3E%3D500": 4, "?status=5xx": 4, "?status=%3C500": 36, "?status=%3C%3D502": 40, "?status=%3E501": 4, "?status=%3E502": 0, "?status=2xx": 36, "?status=%3E%3D200": 40, "?status=200": 36, "?code=upstream_failed": 4,
		"?provider=other": 4, "?provider=p": 36, "?provider=oth": 0, "?endpoint=a/m@p": 36, "?model=a/m": 40, "?model=fast": 0,
		"?key=key_1": 40, "?key=key_2": 0, "?min_duration=3s": 4, "?min_duration=3001ms": 0, "?node=edge-1": 20, "?node=edge-9": 0,
		"?region=us": 20, "?region=us&node=edge-1": 0, "?region=asia": 0, "?stream=true": 14, "?stream=false": 26, "?kept=failure": 4, "?kept=slow": 0,
		"?trial=true": 5, "?trial=false": 35, "?trial=true&stream=true": 2,
		"?from=2026-01-02T03:04:25Z": 20, "?until=2026-01-02T03:04:25Z": 20, "?from=2026-01-02T03:04:15Z&until=2026-01-02T03:04:25Z": 10,
		"?from=2026-01-02T03:04:15Z&until=2026-01-02T03:04:25Z&status=502": 1, "?until=2026-01-02T02:00:00Z": 0,
	} {
		if got := len(p.json(t, "GET", "/control/v1/records"+query, "", 200).data()); got != want {
			t.Errorf("%q: %d records, want %d", query, got, want)
		}
	}
	for _, limit := range []int{1, 7, 39, 40, 41} {
		got, next := []string{}, ""
		for range 50 {
			page := p.json(t, "GET", fmt.Sprintf("/control/v1/records?limit=%d%s", limit, next), "", 200)
			if (page["counts"] == nil) != (next != "") {
				t.Errorf("page %q has counts %v", next, page["counts"])
			}
			for _, r := range page.data() {
				got = append(got, r["id"].(string))
			}
			if page["next"] == nil {
				break
			}
			next = "&cursor=" + url.QueryEscape(page["next"].(string))
		}
		slices.Reverse(got)
		if len(got) != 40 || got[0] != all[0].ID || !slices.IsSorted(times(got)) {
			t.Errorf("pages of %d have %d records", limit, len(got))
		}
	}
	one := p.json(t, "GET", "/control/v1/records?trial=true&limit=1", "", 200).data()[0]
	if one["trial"] != "trial_1" || fmt.Sprint(one["shut"]) != "[a/m@dead]" || one["revision"] != 1.0 {
		t.Errorf("on trial: %v", one)
	}
	counts := p.json(t, "GET", "/control/v1/records", "", 200)["counts"]
	if got := fmt.Sprint(counts); got != "map[dropped:1 kept:20 left_out:79 seen:100]" {
		t.Errorf("counts %v", got)
	}
}

func times(ids []string) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id[:13]
	}
	return list
}

// TestRecordQueries holds what cannot be asked for, and that a viewer may ask.
func TestRecordQueries(t *testing.T) {
	p := newPlane(t)
	viewer, _ := p.token(t, "looks", "viewer")
	p.json(t, "GET", "/control/v1/records", "", 200, "Authorization", "Bearer "+viewer)
	p.json(t, "GET", "/control/v1/records", "", 401, "Authorization", "Bearer x")
	for query, param := range map[string]string{
		"status=abc": "status", "status=>=": "status", "status=1": "status", "status=>>500": "status", "status=9xx": "status", "status==": "status", "status=xx": "status", "min_duration=5": "min_duration", "min_duration=-1s": "min_duration",
		"from=yesterday": "from", "until=1": "until", "from=2026-01-02T03:04:05Z&until=2026-01-02T03:04:05Z": "from", "limit=0": "limit", "limit=1001": "limit",
		"from=1970-01-01T00:00:00Z&until=9999-12-31T23:59:59-23:59": "until", "from=1970-01-01T00:00:00%2B01:00": "from",
		"cursor=1": "cursor", "cursor=x_req_1": "cursor", "stream=yes": "stream", "trial=trial_1": "trial", "kept=all": "kept", "nothing=1": "nothing",
	} {
		a := p.json(t, "GET", "/control/v1/records?"+strings.ReplaceAll(query, ">", "%3E"), "", 400)
		if got, _ := a["error"].(map[string]any)["param"].(string); got != param {
			t.Errorf("%q: %s", query, a.text())
		}
	}
	p.json(t, "GET", "/control/v1/records?from=1970-01-01T00:00:00Z&until=9999-12-31T23:59:59Z", "", 200)
	for _, since := range []string{"0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "yesterday"} {
		p.json(t, "GET", "/control/v1/audit?since="+since, "", 400)
	}
	p.json(t, "GET", "/control/v1/records?model=%00", "", 400)
	p.json(t, "GET", "/control/v1/records/req_1", "", 400)
	p.json(t, "POST", "/control/v1/records", "", 405)
}

// TestRecord holds that an exchange is found by its id: its record, its charge lines, and who wrote the revision that it was
// planned by; or what of it there is.
func TestRecord(t *testing.T) {
	p := applied(t)
	p.fleet.Hear(fairlead.NodeStatus{Name: "edge-1", Role: fairlead.RoleEdge})
	whole, sampled, refused := record("edge-1", 0, nil), record("edge-1", 1, nil), record("edge-1", 2, func(r *fairlead.StoredRecord) { r.Attempts, r.Revision = nil, 77 })
	p.keepRecords(t, "edge-1", whole, refused)
	f := fairlead.Frame{Node: "edge-1", Incarnation: "inc_1", Sequence: 1, At: began}
	for _, r := range []fairlead.StoredRecord{whole, sampled} {
		for _, kind := range []fairlead.LineKind{fairlead.LineIntent, fairlead.LineCharge} {
			cost := fairlead.USD(1500)
			line, err := json.Marshal(fairlead.ChargeLine{Kind: kind, ID: r.ID, At: r.At, Key: "key_1", Revision: 1, Output: 5, Cost: &cost, Status: 200})
			check(t, err)
			f.Lines, f.Count = append(append(f.Lines, line...), '\n'), f.Count+1
		}
	}
	f.Hash = f.Sum()
	_, err := p.store.TakeFrames(t.Context(), []fairlead.Frame{f})
	check(t, err)

	a := p.json(t, "GET", "/control/v1/records/"+whole.ID, "", 200)
	revision, _ := a["revision"].(map[string]any)
	lines, _ := a["lines"].([]any)
	if a["record"] == nil || a["node"] != "edge-1" || len(lines) != 2 || revision["by"] != "admin" || revision["why"] != "first" || revision["number"] != 1.0 {
		t.Errorf("whole: %s", a.text())
	}
	if l := lines[1].(map[string]any); l["kind"] != "charge" || l["cost_usd"] != "0.0000015" || l["frame"].(map[string]any)["sequence"] != 1.0 {
		t.Errorf("charge %v", l)
	}
	a = p.json(t, "GET", "/control/v1/records/"+sampled.ID, "", 200)
	if lines, _ = a["lines"].([]any); a["record"] != nil || a["node"] != "edge-1" || len(lines) != 2 || a["revision"] == nil {
		t.Errorf("without a record: %s", a.text())
	}
	a = p.json(t, "GET", "/control/v1/records/"+refused.ID, "", 200)
	if lines, _ = a["lines"].([]any); a["record"] == nil || len(lines) != 0 || fmt.Sprint(a["revision"]) != "map[number:77]" {
		t.Errorf("without lines: %s", a.text())
	}
	for node, want := range map[string]string{"edge-1": "node edge-1", "edge-9": "not known"} {
		gone := fairlead.NewExchangeID(fairlead.TagOf(node), began)
		if a := p.json(t, "GET", "/control/v1/records/"+gone, "", 404); !strings.Contains(a.text(), want) || !strings.Contains(a.text(), "2026-01-02T03:04:05Z") {
			t.Errorf("nothing: %s", a.text())
		}
	}
}

// FuzzRecords holds that no question about records is a defect, and that what is answered is what was asked for.
func FuzzRecords(f *testing.F) {
	for _, q := range []string{
		"", "status=%3E%3D500&provider=other", "from=2026-01-02T03:04:25Z&limit=3", "min_duration=1h&stream=true", "region=eu&node=edge-1&kept=sample",
		"cursor=1767323045000000_req_3k2k2c2222qqatdrt5vd6h462a&until=0001-01-01T00:00:00Z", "model=%27%3B--&code=%25&key=_", "from=9999-12-31T23:59:59Z",
	} {
		f.Add(q)
	}
	p := newPlane(f, atNoon)
	all := mixed(f, p, 40)
	f.Fuzz(func(t *testing.T, query string) {
		if strings.Contains(query, "dry_run") {
			return
		}
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		req.URL = &url.URL{Path: "/control/v1/records", RawQuery: query}
		req.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		p.api.ServeHTTP(w, req)
		if w.Code != 200 && (w.Code < 400 || w.Code >= 500) {
			t.Fatalf("%q: %d %s", query, w.Code, w.Body)
		}
		if w.Code != 200 {
			return
		}
		var got struct {
			Data []struct{ ID, Node, Code, Key string }
		}
		check(t, json.Unmarshal(w.Body.Bytes(), &got))
		values, err := url.ParseQuery(query)
		check(t, err)
		for _, r := range got.Data {
			for name, value := range map[string]string{"node": r.Node, "code": r.Code, "key": r.Key} {
				if want := values.Get(name); want != "" && want != value {
					t.Errorf("%q: %+v", query, r)
				}
			}
			if !slices.ContainsFunc(all, func(s fairlead.StoredRecord) bool { return s.ID == r.ID }) {
				t.Errorf("%q: %+v is nobody's", query, r)
			}
		}
	})
}

// TestUnknownParameter holds that a query which is not known here comes with where to look.
func TestUnknownParameter(t *testing.T) {
	p := applied(t)
	a := p.json(t, "GET", "/control/v1/records?colour=red", "", 400)
	if text := a.text(); !strings.Contains(text, "model") || !strings.Contains(text, `"hint":"/control/v1/openapi.json names what each path takes`) {
		t.Errorf("answered %s", text)
	}
}
