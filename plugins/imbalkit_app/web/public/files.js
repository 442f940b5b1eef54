self.FILES = { version: "dev", files: [] };
