-- Sends the requests of a file, one after the other: round and round, or (once) until they are used up.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long us; } moment; int gettimeofday(moment *now, void *zone);")
local moment = ffi.new("moment")
local threads = {}

local function now()
   ffi.C.gettimeofday(moment, nil)
   return tonumber(moment.s) + tonumber(moment.us) / 1e6
end

function setup(thread)
   table.insert(threads, thread)
end

function init(args)
   requests, at, once, began, took = {}, 0, args[2] == "once", nil, nil
   for request in io.open(args[1], "rb"):read("*a"):gmatch("%Z+") do
      table.insert(requests, request)
   end
end

function request()
   at = at + 1
   -- wrk asks for the first one only to look at it.
   if at == 2 and not began then
      began = now()
   end
   if at > #requests then
      if once then
         took = took or now() - began
         wrk.thread:stop()
      end
      at = 1
   end
   return requests[at]
end

function done(summary, latency)
   local errors = summary.errors
   local wrong = errors.status + errors.connect + errors.read + errors.write + errors.timeout
   local seconds = threads[1]:get("took") or summary.duration / 1e6
   local percentile = function(p) return latency:percentile(p) / 1000 end
   print(string.format("FIGURES [%d,%f,%f,%f,%d]", summary.requests, seconds, percentile(50), percentile(99), wrong))
end
