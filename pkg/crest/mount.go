package crest

import (
	"errors"
	"fmt"
	"slices"
)

// API is one version of a mapped API.
type API struct {
	// BasePath is where it is, as "api"; several segments are joined by slashes.
	BasePath string
	// Version is "<major>.<minor>"; "*" or "" serves every version that no other does.
	Version string
	// Legacy serves clients of the reference product as it did, where that is harmless:
	// parameters that nobody knows are passed over, and so are those of pages and order where
	// there are none.
	Legacy bool
}

// mount is an API at its place.
type mount struct {
	api      string
	segments []string
	// editions are its versions, at least one, the newest first.
	editions []*edition
}

// route returns the API of a path, and what of the path is below its place.
func (h *handler) route(segments []string) (*mount, []string, error) {
	for _, m := range h.mounts {
		if len(segments) >= len(m.segments) && slices.Equal(segments[:len(m.segments)], m.segments) {
			return m, segments[len(m.segments):], nil
		}
	}
	return nil, nil, unknownPath()
}

// newMounts makes the table of APIs, those of most segments first.
func newMounts(base string, apis []API) ([]*mount, error) {
	prefix, err := segmentsOf(base)
	if err != nil {
		return nil, fmt.Errorf("crest: the base path %q: %w", base, err)
	}
	mounts := make([]*mount, 0, len(apis))
	for _, api := range apis {
		segments, err := segmentsOf(api.BasePath)
		if err == nil && len(segments) == 0 {
			err = errors.New("it is empty")
		}
		if err != nil {
			return nil, fmt.Errorf("crest: the base path %q of an API: %w", api.BasePath, err)
		}
		segments = slices.Concat(prefix, segments)
		i := slices.IndexFunc(mounts, func(other *mount) bool { return slices.Equal(other.segments, segments) })
		if i < 0 {
			i = len(mounts)
			mounts = append(mounts, &mount{api: api.BasePath, segments: segments})
		}
		if mounts[i].api != api.BasePath || !mounts[i].add(newEdition(api)) {
			return nil, fmt.Errorf("crest: two APIs have the base path %q and the version %q", api.BasePath, api.Version)
		}
	}
	slices.SortStableFunc(mounts, func(a, b *mount) int { return len(b.segments) - len(a.segments) })
	return mounts, nil
}
