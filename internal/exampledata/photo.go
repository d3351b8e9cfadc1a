package exampledata

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

// Photo returns a small JPEG that stands for a photo of the person: a pattern of squares,
// mirrored, that follows from the uid. The same uid gives the same picture.
func Photo(id string) []byte {
	const cell, across = 8, 5
	picture := image.NewGray(image.Rect(0, 0, cell*across, cell*across))
	bits := pattern(id)
	for y := range cell * across {
		for x := range cell * across {
			column := min(x/cell, across-1-x/cell)
			shade := color.Gray{Y: 0xe0}
			if bits>>(y/cell*3+column)&1 == 1 {
				shade = color.Gray{Y: 0x30}
			}
			picture.SetGray(x, y, shade)
		}
	}
	var buf bytes.Buffer
	_ = jpeg.Encode(&buf, picture, &jpeg.Options{Quality: 50}) // A picture of this size fits, and a buffer takes it.
	return buf.Bytes()
}

// pattern spreads a uid over the 15 squares that are not mirrored (FNV-1a).
func pattern(id string) uint32 {
	sum := uint32(2166136261)
	for _, b := range []byte(id) {
		sum = (sum ^ uint32(b)) * 16777619
	}
	return sum ^ sum>>15
}
