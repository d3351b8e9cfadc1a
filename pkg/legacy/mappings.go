package legacy

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// mappings copies the mapping files, which this gateway reads as they are. The old one
// looked into the folders below endpoints and no deeper.
func (r *reader) mappings(endpoints string) error {
	folders, err := os.ReadDir(endpoints)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	found := 0
	for _, folder := range folders {
		name := filepath.Join(endpoints, folder.Name())
		if stat, err := os.Stat(name); err != nil || !stat.IsDir() {
			r.unread(name)
			continue
		}
		n, err := r.mappingFolder(name, folder.Name())
		if err != nil {
			return err
		}
		found += n
	}
	at := &node{place: Place{File: endpoints}}
	if found == 0 {
		r.decide(at, "there are no mapping files; put them there, as api/example-v1.json, or --set mapping.dir=FOLDER", "mapping.dir")
		return nil
	}
	r.keptAs(at, "mapping.dir", folderMappings, count(found, "mapping file"))
	return nil
}

// mappingFolder copies the mapping files of one base path, and returns how many there are.
func (r *reader) mappingFolder(folder, base string) (int, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return 0, err
	}
	found := 0
	for _, file := range files {
		name := filepath.Join(folder, file.Name())
		stat, err := os.Stat(name)
		if err != nil || stat.IsDir() || !strings.HasSuffix(file.Name(), ".json") {
			r.unread(name)
			continue
		}
		data, err := readFile(name)
		if err != nil {
			return 0, err
		}
		found++
		r.add(File{Name: path.Join(folderMappings, base, file.Name()), Data: data, From: name})
	}
	return found, nil
}

// unread tells of what lies where mapping files are, and is none.
func (r *reader) unread(name string) {
	if strings.HasPrefix(filepath.Base(name), ".") {
		return
	}
	r.findings = append(r.findings, Finding{Status: Changed, Place: Place{File: name}, Message: "not read, as before: mapping files are <base path>/<name>.json, one folder deep"})
}
