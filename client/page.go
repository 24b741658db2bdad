package client

import (
	"context"
	"iter"
	"maps"
	"net/url"
)

// pages goes through a list that is answered a page at a time; cursor is the parameter that takes a page's "next".
func pages[T any](ctx context.Context, c *Client, cursor string, query url.Values, path ...string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query)
		if query == nil {
			query = url.Values{}
		}
		for {
			var page struct {
				Data []T    `json:"data"`
				Next string `json:"next"`
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
			if page.Next == "" {
				return
			}
			query.Set(cursor, page.Next)
		}
	}
}
