# Opens the pool of an emitted database.yml on the server of DATABASE_URL, and compares it with the plan: 9 connections, 7 s.
require 'erb'
require 'yaml'
require 'active_record'

settings = YAML.safe_load(ERB.new(File.read(ARGV.fetch(0))).result).fetch('production')
ActiveRecord::Base.establish_connection(settings)
pool = ActiveRecord::Base.connection_pool
timeout = ActiveRecord::Base.connection.select_value('show statement_timeout')
name = ActiveRecord::Base.connection.select_value('show application_name')
seen = [pool.size, pool.checkout_timeout, pool.db_config.idle_timeout, timeout, name]
raise seen.inspect unless seen == [9, 10.0, 300.0, '7s', 'shop']
