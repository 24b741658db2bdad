package control_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// many is a document of so many endpoints, four of each model.
func many(endpoints int, price string) string {
	var b strings.Builder
	b.WriteString(`{"version":1,"providers":{`)
	for p := range 4 {
		if p > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"p%d":{"dialect":"openai","base_url":"http://127.0.0.1:9/v1"}`, p)
	}
	b.WriteString(`},"models":{`)
	for n := range endpoints / 4 {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"vendor/m-%d":{"context":128000,"endpoints":[`, n)
		for p := range 4 {
			if p > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"provider":"p%d","model":"m-%d","weight":100,"price":{"input":%q,"output":"0.60"}}`, p, n, price)
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`}}`)
	return b.String()
}

// BenchmarkWeight sets the weight of one of many endpoints by API.
func BenchmarkWeight(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
			p := newPlane(b)
			p.json(b, "PUT", "/control/v1/config", many(n, "0.15"), 200)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				p.put(b, "PATCH", fmt.Sprintf("/control/v1/endpoints/vendor/m-%d@p1", i%(n/4)), fmt.Sprintf(`{"weight":%d}`, 101+i/(n/4)))
			}
		})
	}
}

// BenchmarkPut writes a document of many endpoints, each with another price than before.
func BenchmarkPut(b *testing.B) {
	const n = 10_000
	p := newPlane(b)
	texts := []string{many(n, "0.15"), many(n, "0.16")}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.put(b, "PUT", "/control/v1/config", texts[i%2])
	}
}

// put sends a request that must succeed, without a look at the answer.
func (p *plane) put(b *testing.B, method, path, body string) {
	b.Helper()
	if resp := p.do(b, method, path, body); resp.StatusCode != 200 {
		b.Fatalf("%s %s: status %d", method, path, resp.StatusCode)
	} else if err := drain(resp); err != nil {
		b.Fatal(err)
	}
}

func drain(resp *http.Response) error {
	_, err := io.Copy(io.Discard, resp.Body)
	return err
}
