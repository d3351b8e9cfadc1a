package store

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

// clock makes the times of changes, each later than the one before.
type clock struct{ last time.Time }

// change returns a timestamp and a change sequence number.
func (c *clock) change(now time.Time) (timestamp, csn string) {
	now = now.UTC().Truncate(time.Microsecond)
	if !now.After(c.last) {
		now = c.last.Add(time.Microsecond)
	}
	c.last = now
	return now.Format("20060102150405Z"), now.Format("20060102150405.000000") + "Z#000000#000#000000"
}

// newUUID makes a random UUID (RFC 9562 §5.4).
func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // It never fails.
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	x := hex.EncodeToString(u[:])
	return fmt.Sprintf("%s-%s-%s-%s-%s", x[:8], x[8:12], x[12:16], x[16:20], x[20:])
}
