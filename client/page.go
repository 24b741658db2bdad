package client

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"net/url"
)

// pages goes through a list that is answered a page at a time; from is the parameter that takes a page's "next".
func pages[T any](ctx context.Context, c *Client, from string, query url.Values, path ...string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query)
		if query == nil {
			query = url.Values{}
		}
		for {
			var page struct {
				Data []T    `json:"data"`
				Next cursor `json:"next"`
			}
			if err := c.get(ctx, query, &page, path...); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, one := range page.Data {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == "" || string(page.Next) == query.Get(from) { // a page that leads to itself would never end
				return
			}
			query.Set(from, string(page.Next))
		}
	}
}

// cursor is where a page ends: an id or a number.
type cursor string

// UnmarshalJSON reads a string or a number.
func (c *cursor) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, (*string)(c))
	}
	var n json.Number
	err := json.Unmarshal(text, &n)
	*c = cursor(n)
	return err
}
