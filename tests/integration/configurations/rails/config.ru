run ->(env) { [200, {}, ["one"]] }
