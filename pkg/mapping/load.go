package mapping

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxFileSize is the greatest size of a mapping file, in bytes.
const maxFileSize = 4 << 20

// Load reads and compiles all mapping files of a folder: "<base path>/<root>.json",
// ".yaml" or ".yml", where the base path is the first path segment of the API and
// the root is the name of the resource type at which its paths begin. Several files
// in one sub-folder are versions of one API.
//
// The models are in the order of their files. When anything is wrong, there are no
// models and the error is [Problems], all of them at once. The warnings tell, in
// either case, what is without effect. Names that begin with a dot are passed over.
func Load(fsys fs.FS) ([]*Model, []Problem, error) {
	l := &loader{fsys: fsys, versions: make(map[string]*Model)}
	l.root()
	warnings := sortProblems(l.warnings)
	if len(l.problems) > 0 {
		return nil, warnings, Problems(sortProblems(l.problems))
	}
	return l.models, warnings, nil
}

// loader gathers what the files of a folder give.
type loader struct {
	fsys     fs.FS
	models   []*Model
	versions map[string]*Model
	problems []Problem
	warnings []Problem
	found    bool
}

func (l *loader) root() {
	l.each(".", func(name string, isDir bool) {
		switch {
		case isDir:
			l.basePath(name)
		case isMappingFile(name):
			l.problem(name, "a mapping file stands in a folder whose name is the base path, as in \"api/%s\"", name)
		default:
			l.warning(name, "the file is not read: it is no mapping file")
		}
	})
	if !l.found && len(l.problems) == 0 {
		l.problem(".", "there is no mapping file: one is \"<base path>/<root resource type>.json\", \".yaml\" or \".yml\"")
	}
}

func (l *loader) basePath(folder string) {
	l.each(folder, func(name string, isDir bool) {
		file := path.Join(folder, name)
		switch {
		case isDir:
			l.problem(file, "the folder is not read: mapping files stand exactly one folder deep")
		case isMappingFile(name):
			l.found = true
			l.file(file)
		default:
			l.warning(file, "the file is not read: it is no mapping file")
		}
	})
}

func isMappingFile(name string) bool {
	return slices.Contains([]string{".json", ".yaml", ".yml"}, path.Ext(name))
}

// each visits what is in a folder, through symbolic links, which is how mounted
// volumes hold their files.
func (l *loader) each(folder string, visit func(name string, isDir bool)) {
	entries, err := fs.ReadDir(l.fsys, folder)
	if err != nil {
		l.problem(folder, "the folder cannot be read: %v", err)
		return
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		info, err := fs.Stat(l.fsys, path.Join(folder, name))
		if err != nil {
			l.problem(path.Join(folder, name), "the file cannot be read: %v", err)
			continue
		}
		visit(name, info.IsDir())
	}
}

func (l *loader) file(file string) {
	data, ok := l.read(file)
	if !ok {
		return
	}
	root, problems := readFile(file, data)
	l.problems = append(l.problems, problems...)
	if root == nil {
		return
	}
	c := compileFile(file, root)
	l.problems = append(l.problems, c.problems...)
	l.warnings = append(l.warnings, c.warnings...)
	l.models = append(l.models, c.model)
	l.checkVersion(c)
}

func (l *loader) read(file string) ([]byte, bool) {
	info, err := fs.Stat(l.fsys, file)
	if err == nil && info.Size() > maxFileSize {
		l.problem(file, "the file is larger than %d bytes", maxFileSize)
		return nil, false
	}
	data, err := fs.ReadFile(l.fsys, file)
	if err != nil {
		l.problem(file, "the file cannot be read: %v", err)
		return nil, false
	}
	return data, true
}

// checkVersion refuses two files of one API with the same version: nobody could tell
// which of them serves a request.
func (l *loader) checkVersion(c *compiler) {
	version := c.model.Version
	if version == "" { // wrong, and reported
		return
	}
	if version != "*" && !strings.Contains(version, ".") {
		version += ".0"
	}
	key := c.model.BasePath + "/" + version
	if other := l.versions[key]; other != nil {
		c.problem(c.versionPlace, "version %q of %q is that of %s too", c.model.Version, c.model.BasePath, other.File)
		l.problems = append(l.problems, c.problems[len(c.problems)-1])
		return
	}
	l.versions[key] = c.model
}

func (l *loader) problem(file, format string, args ...any) {
	l.problems = append(l.problems, Problem{File: file, Message: fmt.Sprintf(format, args...)})
}

func (l *loader) warning(file, format string, args ...any) {
	l.warnings = append(l.warnings, Problem{File: file, Message: fmt.Sprintf(format, args...)})
}
