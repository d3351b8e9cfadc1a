package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load sends each of the requests over and over, each on a connection that stays open, and
// returns how many were answered with 200. The client is as small as can be, since
// it shares the processors with what is measured.
func load(address string, config *tls.Config, requests []string, duration time.Duration) (float64, error) {
	var (
		group sync.WaitGroup
		count atomic.Int64
		first error
		once  sync.Once
	)
	end := time.Now().Add(duration)
	for _, request := range requests {
		group.Go(func() {
			if err := repeat(address, config, request, end, &count); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	group.Wait()
	return float64(count.Load()), first
}

func repeat(address string, config *tls.Config, request string, end time.Time, count *atomic.Int64) error {
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 16<<10)
	for time.Now().Before(end) {
		if _, err := io.WriteString(conn, request); err != nil {
			return err
		}
		if err := answer(reader); err != nil {
			return err
		}
		count.Add(1)
	}
	return nil
}

// answer reads a response whose length is told.
func answer(reader *bufio.Reader) error {
	status, err := reader.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.Contains(status, " 200 ") {
		return fmt.Errorf("not the answer to measure: %s", status)
	}
	length := -1
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		const name = "content-length:"
		if len(line) > len(name) && strings.EqualFold(string(line[:len(name)]), name) {
			if length, err = strconv.Atoi(strings.TrimSpace(string(line[len(name):]))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("an answer without a length")
	}
	_, err = reader.Discard(length)
	return err
}
