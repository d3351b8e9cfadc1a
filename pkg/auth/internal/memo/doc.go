// Package memo remembers results for a while: a [Cache] of bounded size whose
// misses are looked up once, however many callers wait.
package memo
