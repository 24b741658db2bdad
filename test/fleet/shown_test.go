//go:build linux

package fleet_test

import (
	"io"
	"strconv"
	"strings"
)

// get gives what a node answers to a page without a token; nothing where it does not.
func (f *fleet) get(url string) (status int, text string) {
	resp, err := quick.Get(url)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	return resp.StatusCode, string(body)
}

// number reads a metric without labels that a node shows of itself; -1 where it shows none.
func (f *fleet) number(n *node, metric string) float64 {
	_, text := f.get("http://" + n.at + "/metrics")
	_, rest, _ := strings.Cut(text, "\n"+metric+" ")
	value, _, _ := strings.Cut(rest, "\n")
	number, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return -1
	}
	return number
}
