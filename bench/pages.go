package main

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// A walk of the measurement is at most so many pages of so many users.
const (
	pageSize = 100
	maxPages = 200
)

// pagesControl has the control page, and measures slapd.
func (b *bed) pagesControl(s samples) error {
	_, micros, err := during(b.slapd.PID(), func() (float64, error) { return b.ldaps.ask("pages") })
	s.add("pages control", micros)
	return err
}

// pagesOurs walks with cookies, and measures slapd.
func (b *bed) pagesOurs(s samples) error {
	_, micros, err := during(b.slapd.PID(), func() (float64, error) {
		cookie, rows := "", 0
		for range maxPages {
			body, err := b.read(fmt.Sprintf("/api/users?_queryFilter=true&_pageSize=%d&_pagedResultsCookie=%s", pageSize, url.QueryEscape(cookie)), nil)
			if err != nil {
				return 0, err
			}
			var page struct {
				ResultCount        int
				PagedResultsCookie string
			}
			if err := json.Unmarshal(body, &page); err != nil {
				return 0, err
			}
			rows += page.ResultCount
			if cookie = page.PagedResultsCookie; cookie == "" {
				break
			}
		}
		return float64(rows) / pageSize, nil
	})
	s.add("pages slapd", micros)
	return err
}
